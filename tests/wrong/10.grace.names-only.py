# points: 0
# says: Hand in a dictionary of those that take it
answer = task.containers[:3]
