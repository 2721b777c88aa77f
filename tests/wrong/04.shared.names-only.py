# points: 0
# says: Hand in three things: answer = (one name, the other name, how many layers they share).
answer = task.images[:2]
