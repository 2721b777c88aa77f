# points: 2
# says: The classes do not add up: an owner is judged as owner, even where the group would be allowed more.
def may_connect(mode, owner, group, uid, gids):
    as_owner = uid == owner and mode & 0o200
    as_member = group in gids and mode & 0o020
    return bool(uid == 0 or as_owner or as_member or mode & 0o002)
