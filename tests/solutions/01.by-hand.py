def post(path, body=b""):
    with daemon.dial() as sock:
        head = f"POST {path} HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        sock.sendall(head.encode() + body)
        received = b"".join(iter(lambda: sock.recv(65536), b""))
    return int(received.split()[1])


command = ["sh", "-c", f"echo {task.word}; exit {task.code}"]
answer = [
    post(f"/containers/create?name={task.container}", json.dumps({"Image": task.image, "Cmd": command}).encode()),
    post(f"/containers/{task.container}/start"),
    post(f"/containers/{task.container}/wait"),
]
