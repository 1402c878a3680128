struct sub {
    int32_t size, a_zero_point, b_zero_point;
    struct requantizer a, b, difference;
    struct grid out_grid;
};
