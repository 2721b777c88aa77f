sh(f"docker pause {task.container}")
