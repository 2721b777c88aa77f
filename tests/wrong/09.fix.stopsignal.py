# points: 2
# says: The image asks for SIGKILL in place of TERM.
dockerfile = f"""FROM {task.image}
STOPSIGNAL SIGKILL"""
sh(f"DOCKER_BUILDKIT=0 docker build -q -t {task.fixed} - <<'END'\n{dockerfile}\nEND")
