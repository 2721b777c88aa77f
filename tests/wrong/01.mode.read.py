# points: 1
# says: Reading and writing come after connecting; to connect, the kernel asks for w alone.
def may_connect(mode, owner, group, uid, gids):
    if uid == 0:
        return True
    bit = 0o400 if uid == owner else 0o040 if group in gids else 0o004
    return bool(mode & bit)
