# points: 3
# says: Header names may come in any case, and not every status is 200.
def ping(family, address):
    with socket.socket(family) as sock:
        sock.connect(address)
        sock.sendall(b"GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n")
        first, *lines = b"".join(iter(lambda: sock.recv(4096), b"")).decode().split("\r\n")
    headers = dict(line.split(": ") for line in lines if ": " in line)
    return int(first.split()[1]), headers["Api-Version"]
