"""How far a search looks for the recall that each NPROB stands for (`nprob`), as it was measured.

ground_truth  sample queries with their true neighbours
sweep         what every shorter search for them would find
autotune      the cheapest search that meets each recall target
mean_recall   the recall that is found on average, with its bound
filtered      the same where a condition leaves a part of the images
quality       the recall that was measured, and when to train again
"""
