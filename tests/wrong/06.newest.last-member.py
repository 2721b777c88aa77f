# points: 0
# says: A tar's members may stand in any order, and dates say when, not where. What lists the layers?
def newest(data, tag):
    tar = tarfile.open(fileobj=io.BytesIO(data))
    layers = [tar.extractfile(name).read() for name in tar.getnames()]
    last = [layer for layer in layers if layer[257:262] == b"ustar" or layer[:2] == b"\x1f\x8b"][-1]
    return "sha256:" + hashlib.sha256(last).hexdigest()
