# points: 0
# says: The first byte says the stream: 1 is stdout, 2 is stderr. Return two things, in this order.
def split(data):
    lines = data.split(b"\n")
    return b"".join(line[8:] for line in lines if line[:1] == b"\1"), b"".join(
        line[8:] for line in lines if line[:1] == b"\2"
    )
