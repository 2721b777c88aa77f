# points: 4
# says: Each line that changes files is a layer of its own, also RUN, WORKDIR and COPY: do it all in one line.
dockerfile = f"FROM {task.base}\nRUN touch {task.path}\nRUN echo {task.text} > {task.path}\n"
sh(f"echo '{dockerfile}' | DOCKER_BUILDKIT=0 docker build -q -t {task.image} -")
