# points: 1
# says: What is hashed is a text: the chain-id below, one blank, the diff-id; each with its sha256: in front.
def chain_id(diff_ids):
    import hashlib

    chain = diff_ids[0].partition(":")[2]
    for diff_id in diff_ids[1:]:
        chain = hashlib.sha256(f"{chain} {diff_id.partition(':')[2]}".encode()).hexdigest()
    return "sha256:" + chain
