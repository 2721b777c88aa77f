# points: 2
# says: The command is still in shell form: a shell waits for the app, to say that it is done.
dockerfile = f"""FROM {task.image}
RUN sed -i 's/^"/exec "/' /bin/start"""
sh(f"DOCKER_BUILDKIT=0 docker build -q -t {task.fixed} - <<'END'\n{dockerfile}\nEND")
