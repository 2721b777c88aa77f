dockerfile = f"""FROM {task.image}
RUN sed -i 's/^"/exec "/' /bin/start
CMD ["{task.app}"]"""
sh(f"DOCKER_BUILDKIT=0 docker build -q -t {task.fixed} - <<'END'\n{dockerfile}\nEND")
