/* Two roundings, both with ties up: ruy, equation (5.5). */
static int64_t rescale_up(int32_t acc, int32_t multiplier, int32_t shift)
{
    const int64_t product = (int64_t)shift_left(acc, shift) * multiplier;
    const int64_t high = (product + ((int64_t)1 << 30)) >> 31;
    const int32_t right = shift > 0 ? shift : 0;
    return (high + (((int64_t)1 << right) >> 1)) >> right;
}
