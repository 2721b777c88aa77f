# points: 1
# says: Compare whole fields: docker-users and notdocker are other groups, and a group may be missing.
def members(name, group, passwd):
    members = set()
    for line in group.splitlines():
        found, _, number, listed = line.split(":")
        if found.startswith(name):
            members |= {user for user in listed.split(",") if user}
            members |= {user.split(":")[0] for user in passwd.splitlines() if user.split(":")[3] == number}
    return sorted(members)
