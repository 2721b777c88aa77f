def newest(data, tag):
    tar = tarfile.open(fileobj=io.BytesIO(data))
    entries = json.load(tar.extractfile("manifest.json"))
    [entry] = [entry for entry in entries if tag in entry["RepoTags"]]
    return json.load(tar.extractfile(entry["Config"]))["rootfs"]["diff_ids"][-1]
