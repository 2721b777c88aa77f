# points: 0
# says: A tar's members may stand in any order, and dates say when, not where. What lists the layers?
def newest(data, tag):
    tar = tarfile.open(fileobj=io.BytesIO(data))
    entries = json.load(tar.extractfile("manifest.json"))
    [entry] = [entry for entry in entries if tag in entry["RepoTags"]]
    return json.load(tar.extractfile(entry["Config"]))["rootfs"]["diff_ids"][0]
