/* Exponentials over the sum of their row.  The sum is mantissa * 2**length, and below 2**31. */
static void softmax(const struct softmax *layer, const int8_t *in, int8_t *out)
{
    for (int32_t i = 0; i < layer->rows; i++) {
        int32_t largest = in[0], sum = 0, length = 0;
        for (int32_t k = 1; k < layer->size; k++)
            largest = in[k] > largest ? in[k] : largest;
        for (int32_t k = 0; k < layer->size; k++)
            sum += (int32_t)(((int64_t)layer->exps[largest - in[k]] + (1 << 11)) >> 12);
        while (sum >> length)
            length++;
        const int64_t mantissa = (int64_t)sum << (32 - length);
        const int32_t scale = reciprocal((int32_t)(mantissa - ((int64_t)1 << 31)));
        for (int32_t k = 0; k < layer->size; k++) {
            const int64_t share = high_mul(scale, layer->exps[largest - *in++]);
            const int64_t rounded = (share + ((int64_t)1 << (length + 2))) >> (length + 3);
            *out++ = (int8_t)(rounded < 256 ? rounded - 128 : 127);
        }
    }
}
