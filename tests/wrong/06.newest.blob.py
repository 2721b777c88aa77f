# points: 3
# says: A blob's name is the digest of the bytes that are stored, here packed ones.
def newest(data, tag):
    tar = tarfile.open(fileobj=io.BytesIO(data))
    entries = json.load(tar.extractfile("manifest.json"))
    [entry] = [entry for entry in entries if tag in entry["RepoTags"]]
    return "sha256:" + hashlib.sha256(tar.extractfile(entry["Layers"][-1]).read()).hexdigest()
