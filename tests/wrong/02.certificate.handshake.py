# points: 1
# says: Being connected is not being served. In TLS 1.3 the refusal comes after your handshake is over.
def ask(host, port, ca):
    context = ssl.create_default_context(cadata=ca)
    try:
        with (
            socket.create_connection((host, port), timeout=5) as sock,
            context.wrap_socket(sock, server_hostname=host),
        ):
            return 200
    except ssl.SSLCertVerificationError:
        return "impostor"
    except OSError:
        return "refused"
