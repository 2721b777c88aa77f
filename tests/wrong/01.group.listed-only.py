# points: 2
# says: A user's primary group stands in /etc/passwd. /etc/group need not repeat it, and may.
def members(name, group, passwd):
    for line in group.splitlines():
        found, _, _, listed = line.split(":")
        if found == name:
            return [user for user in listed.split(",") if user]
    return []
