# points: 0
# says: Hand in three things: answer = (one name, the other name, the kind).
answer = task.containers[:2]
