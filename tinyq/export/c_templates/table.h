/* table: the answer to each code, from -128 up */
struct table {
    int32_t size;
    const int8_t *table;
};
