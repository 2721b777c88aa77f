from labkit.sandbox import find

answer = {}
for name in task.containers:
    line = find(daemon, name).inspect()["Config"]["Cmd"][-1]
    words = line.replace("; do ", "; ").split()
    programs = [word.strip(";") for word in words if "-" in word and len(word.strip(";")) > 5]
    if "exec" in words:
        answer[name] = programs[1:]
    elif "$first" in words:
        answer[name] = ["sh", programs[0]]
    else:
        answer[name] = ["sh", *programs] if "-0" in words else ["sh"]
