/* 1 / (1 + a) by three steps of Newton's method; both numbers times 2**31, a not negative. */
static int32_t reciprocal(int32_t a)
{
    const int32_t half = (int32_t)(((int64_t)a + INT32_MAX + 1) >> 1);
    int32_t x = 1515870810 - high_mul(half, 1010580540);
    for (int step = 0; step < 3; step++)
        x += high_mul(x, ((int32_t)1 << 29) - high_mul(half, x)) * 4;
    return x > INT32_MAX / 2 ? INT32_MAX : x * 2;
}
