"""From a learner's notebook to points: the pristine notebook with the learner's answers, run and judged."""
