def members(name, group, passwd):
    groups = [line.split(":") for line in group.splitlines()]
    users = [line.split(":") for line in passwd.splitlines()]
    for found, _, number, listed in groups:
        if found == name:
            primary = {user[0] for user in users if user[3] == number}
            return sorted(primary | set(filter(None, listed.split(","))))
    return []
