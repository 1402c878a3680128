static int8_t saturate(int64_t code, const struct grid *grid)
{
    if (code < grid->qmin)
        return (int8_t)grid->qmin;
    if (code > grid->qmax)
        return (int8_t)grid->qmax;
    return (int8_t)code;
}
