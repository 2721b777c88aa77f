# points: 0
# says: The lowest layer has nothing below it: its chain-id is its diff-id, and nothing is hashed.
def chain_id(diff_ids):
    import hashlib

    chain = ""
    for diff_id in diff_ids:
        chain = "sha256:" + hashlib.sha256(f"{chain} {diff_id}".strip().encode()).hexdigest()
    return chain
