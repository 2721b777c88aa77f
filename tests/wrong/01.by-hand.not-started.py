# points: 1
# says: Creating is not starting: the container is there, and no process ever ran in it.
command = ["sh", "-c", f"echo {task.word}; exit {task.code}"]
body = json.dumps({"Image": task.image, "Cmd": command})
with daemon.dial() as sock:
    head = f"POST /containers/create?name={task.container} HTTP/1.0\r\nContent-Type: application/json\r\n"
    sock.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
    received = b"".join(iter(lambda: sock.recv(65536), b""))
answer = [int(received.split()[1])]
