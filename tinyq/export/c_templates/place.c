/* Where code i of a walk lies, the last axis fastest. */
static int32_t place(const struct walk *walk, int32_t i)
{
    int32_t at = 0;
    for (int32_t k = walk->rank; k-- > 0;) {
        at += i % walk->axes[k].size * walk->axes[k].by;
        i /= walk->axes[k].size;
    }
    return at;
}
