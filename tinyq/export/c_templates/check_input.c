    for (int32_t i = 0; i < TINYQ_INPUT_SIZE; i++) {
        if ($off)
            return 1;
    }
