# points: 3
# says: One recv is not one answer: the bytes come as they please, and even the headers in two parts.
def ping(family, address):
    with socket.socket(family) as sock:
        sock.connect(address)
        sock.sendall(b"GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n")
        first, *lines = sock.recv(4096).decode().lower().split("\r\n")
    headers = dict(line.split(": ") for line in lines if ": " in line)
    return int(first.split()[1]), headers.get("api-version", "")
