/* One rounding, the tie up: TFLITE_SINGLE_ROUNDING, equation (5.6). */
static int64_t rescale_single(int32_t acc, int32_t multiplier, int32_t shift)
{
    const int32_t total = 31 + shift;
    return ((int64_t)acc * multiplier + ((int64_t)1 << (total - 1))) >> total;
}
