# points: 1
# says: No member at all is an empty text; cut at commas, that gives one member without a name.
def members(name, group, passwd):
    for line in group.splitlines():
        found, _, number, listed = line.split(":")
        if found == name:
            primary = [user.split(":")[0] for user in passwd.splitlines() if user.split(":")[3] == number]
            return sorted(set(listed.split(",") + primary))
    return []
