    for (int32_t i = 0; i < TINYQ_INPUT_SIZE; i++) {
        if (input[i] < $qmin || input[i] > $qmax)
            return 1;
    }
