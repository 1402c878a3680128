/* x * 2**-shift where shift is negative, wrapped to int32 as TFLite does. */
static int32_t shift_left(int32_t x, int32_t shift)
{
    return shift < 0 ? (int32_t)((uint32_t)x << -shift) : x;
}
