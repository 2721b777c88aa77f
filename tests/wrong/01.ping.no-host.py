# points: 0
# says: HTTP/1.1 wants a Host header; without it a daemon answers 400 Bad Request.
def ping(family, address):
    with socket.socket(family) as sock:
        sock.connect(address)
        sock.sendall(b"GET /_ping HTTP/1.1\r\nConnection: close\r\n\r\n")
        first, *lines = b"".join(iter(lambda: sock.recv(4096), b"")).decode().lower().split("\r\n")
    headers = dict(line.split(": ") for line in lines if ": " in line)
    return int(first.split()[1]), headers["api-version"]
