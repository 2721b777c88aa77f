# points: 0
# says: Lines of HTTP end with \r\n. Docker forgives a plain \n, but HTTP asks no server to.
def ping(family, address):
    with socket.socket(family) as sock:
        sock.connect(address)
        sock.sendall(b"GET /_ping HTTP/1.0\nHost: docker\n\n")
        first, *lines = b"".join(iter(lambda: sock.recv(4096), b"")).decode().lower().split("\r\n")
    headers = dict(line.split(": ") for line in lines if ": " in line)
    return int(first.split()[1]), headers["api-version"]
