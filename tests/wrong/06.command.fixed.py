# points: 3
# says: The command prints a word that was written into the command. It shall read the file.
word = sh(f"docker exec {task.container} cat {task.file}")
sh(f"docker commit --change 'CMD echo {word}' {task.container} {task.image}")
