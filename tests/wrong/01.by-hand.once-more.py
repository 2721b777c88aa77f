# points: 3
# says: These are not the three that a daemon gives to three first requests. Begin again for a clean world.
def post(path, body=b""):
    with daemon.dial() as sock:
        head = f"POST {path} HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        sock.sendall(head.encode() + body)
        received = b"".join(iter(lambda: sock.recv(65536), b""))
    return int(received.split()[1])


command = ["sh", "-c", f"echo {task.word}; exit {task.code}"]
for _ in ("run the cell", "run it again"):
    answer = [
        post(f"/containers/create?name={task.container}", json.dumps({"Image": task.image, "Cmd": command}).encode()),
        post(f"/containers/{task.container}/start"),
        post(f"/containers/{task.container}/wait"),
    ]
