# points: 2
# says: Before the blank stands the chain-id below, which has all the others in it: go up layer by layer.
def chain_id(diff_ids):
    import hashlib

    if len(diff_ids) == 1:
        return diff_ids[0]
    return "sha256:" + hashlib.sha256(f"{diff_ids[-2]} {diff_ids[-1]}".encode()).hexdigest()
