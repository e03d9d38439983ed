"""What NPROB means: it stands for a recall, and each generation measures how to reach it.

ground_truth      sample queries with their true neighbours
sweep             what every shorter search for them would find
autotune          the cheapest search that meets each recall target
operating_points  these searches by NPROB, as `Generation.search_params` asks for them
quality           the recall that was measured, and when to train again
"""
