# points: 3
# says: User id 0 passes whatever the nine bits say, and nobody else does.
def may_connect(mode, owner, group, uid, gids):
    bit = 0o200 if uid == owner else 0o020 if group in gids else 0o002
    return bool(mode & bit)
