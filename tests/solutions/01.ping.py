def ping(family, address):
    with socket.socket(family) as sock:
        sock.connect(address)
        sock.sendall(b"GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n")
        received = b"".join(iter(lambda: sock.recv(4096), b""))
    first, *lines = received.decode().partition("\r\n\r\n")[0].split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return int(first.split()[1]), headers["api-version"]
