def may_connect(mode, owner, group, uid, gids):
    if uid == 0:
        return True
    if uid == owner:
        return bool(mode & 0o200)
    if group in gids:
        return bool(mode & 0o020)
    return bool(mode & 0o002)
