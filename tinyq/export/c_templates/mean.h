/* kept, reduced: the axes of a mean's place, and those that it is over; multiplier, shift: of a sum */
struct mean {
    int32_t size, count;
    struct walk kept, reduced;
    int32_t in_zero_point, multiplier, shift;
    struct grid out_grid;
};
