mod anomaly;
