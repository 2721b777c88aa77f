# points: 2
# says: The script still waits for what it has started, and hears nothing.
dockerfile = f"""FROM {task.image}
CMD ["{task.app}"]"""
sh(f"DOCKER_BUILDKIT=0 docker build -q -t {task.fixed} - <<'END'\n{dockerfile}\nEND")
