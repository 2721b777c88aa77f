# points: 1
# says: Started without /bin/start, the app finds no ticket.
dockerfile = f"""FROM {task.image}
ENTRYPOINT ["{task.app}"]
CMD []"""
sh(f"DOCKER_BUILDKIT=0 docker build -q -t {task.fixed} - <<'END'\n{dockerfile}\nEND")
