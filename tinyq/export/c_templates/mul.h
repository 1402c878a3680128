struct mul {
    int32_t size, a_zero_point, b_zero_point;
    struct requantizer requantizer;
    struct grid out_grid;
};
