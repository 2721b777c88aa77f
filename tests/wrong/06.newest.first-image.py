# points: 3
# says: A tar may hold several images, and an image may have several tags. Look for the tag.
def newest(data, tag):
    tar = tarfile.open(fileobj=io.BytesIO(data))
    entries = json.load(tar.extractfile("manifest.json"))
    return json.load(tar.extractfile(entries[0]["Config"]))["rootfs"]["diff_ids"][-1]
